/** The agent's own status. */
import type { ServerResponse } from 'node:http';
import type { Health, Revision } from '../../api/operations.js';
import { BUILD } from '../../api/version.js';
import type { Store } from '../../store/store.js';
import type { Context } from './context.js';
import { sendLines } from './json-stream.js';
import type { Asked } from './request.js';
import { sendJson } from './response.js';

/** Answer a request about the agent itself. @param gone aborted when the reader has gone */
export async function answerOfAgent(
  context: Context,
  what: Exclude<Extract<Asked, { agent: unknown }>['agent'], 'cni'>,
  response: ServerResponse,
  gone: AbortSignal,
): Promise<void> {
  switch (what) {
    case 'health': {
      const uptime = Math.round((performance.now() - context.since) / 100) / 10;
      const health: Health = { pid: process.pid, uptime, build: BUILD };
      sendJson(response, 200, health);
      return;
    }
    case 'ready': {
      const readiness = await context.ready();
      sendJson(response, readiness.ready ? 200 : 503, readiness);
      return;
    }
    case 'openapi': {
      const { openapi } = await import('./openapi.js');
      sendJson(response, 200, openapi());
      return;
    }
    case 'watch': {
      const node = context.openLook();
      const signal = AbortSignal.any([gone, context.signal]);
      try {
        await sendLines(response, revisions(node.store, signal), signal, { live: true });
      } finally {
        node.close();
      }
    }
  }
}

async function* revisions(store: Store, signal: AbortSignal): AsyncGenerator<Revision> {
  for await (const { revision, state } of store.watch({ signal })) {
    const { endpoints, networks, nodes } = state;
    yield {
      revision,
      endpoints: endpoints.length,
      networks: networks.length,
      nodes: nodes.length,
    };
  }
}
