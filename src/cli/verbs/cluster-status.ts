import type { ClusterReport } from '../../api/cluster.js';
import type { Call } from '../parse.js';
import { tableLines } from '../render/table.js';
import { CLUSTER_MEMBER, CLUSTER_NODE } from '../schemas/cluster.js';
import type { Schema } from '../schemas/schema.js';
import { ask, type Outcome } from './verb.js';

/** Exit code of `cluster status` when something is not as it should be. */
const PROBLEMS = 4;

/** dpctl cluster status. */
export async function run(call: Call): Promise<Outcome> {
  const report = await ask(call, 'cluster status', {});
  const { error, unsettled, nodes } = report;
  return {
    data: {
      kind: 'report',
      value: report,
      names: nodes.map(({ name }) => name),
      text: (bold) => clusterText(report, bold),
    },
    exitCode: error === '' && unsettled === 0 ? 0 : PROBLEMS,
  };
}

function clusterText(report: ClusterReport, bold: (text: string) => string): string {
  const { name, members, nodes, networks, revision, unsettled, error } = report;
  if (name === '') return 'this node is in no cluster\n';
  const table = (schema: Schema, rows: readonly object[]): string =>
    tableLines(schema.columns, rows, (text) => text.length, bold).lines(rows);
  const parts = [
    `node ${name}, revision ${revision}, networks: ${networks.join(', ') || 'none'}\n`,
    table(CLUSTER_MEMBER as Schema, members),
    table(CLUSTER_NODE as Schema, nodes),
  ];
  if (unsettled > 0)
    parts.push(`${unsettled} endpoints of this node are not settled in etcd yet\n`);
  if (error !== '') parts.push(`etcd: ${error}\n`);
  return parts.join('\n');
}
