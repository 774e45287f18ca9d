/** Signs of life for a client that gives up a silent agent. */
import type { ServerResponse } from 'node:http';

/** Milliseconds between two interim responses. */
const SIGN_OF_LIFE = 1000;

/** Send interim responses until the answer is ready. @returns a function that ends them */
export function showLife(response: ServerResponse): () => void {
  const sign = (): void => {
    if (!response.headersSent && !response.destroyed) response.writeProcessing();
  };
  sign();
  const timer = setInterval(sign, SIGN_OF_LIFE);
  return () => clearInterval(timer);
}
