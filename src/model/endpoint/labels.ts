/** Labels of endpoints, with Kubernetes' rules, and who made an endpoint. */
import { DpctlError } from '../../../loader/errors.js';
import { advice, type RunPart, run } from '../../../loader/hint.js';
import type { Owner } from '../../api/endpoint.js';

/** Values by key. */
export type Labels = Readonly<Record<string, string>>;

/** A name or a value: letters and digits at both ends, at most 63 characters. */
const NAME = /^[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/;
/** Before a name and a slash: a DNS subdomain (RFC 1123), at most 253 characters. */
const PREFIX = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;
const PREFIX_MAX = 253;

/** Whether a key is `NAME` or `PREFIX/NAME`, as Kubernetes accepts it. */
export function isLabelKey(key: string): boolean {
  const [name = '', prefix, ...rest] = key.split('/').reverse();
  if (rest.length > 0 || !NAME.test(name)) return false;
  return prefix === undefined || (prefix.length <= PREFIX_MAX && PREFIX.test(prefix));
}

/** Whether a value is valid for a label; it may be empty. */
export function isLabelValue(value: string): boolean {
  return value === '' || NAME.test(value);
}

/**
 * Apply label edits: `KEY=VALUE` sets a label, `KEY-` removes it, as with kubectl.
 * @param command the command so far, for the hint
 * @returns sorted by key; undefined: none
 * @throws DpctlError LABEL_INVALID, exit 1
 */
export function editLabels(
  labels: Labels | undefined,
  asked: readonly string[],
  command: RunPart,
): Labels | undefined {
  const edited = new Map(Object.entries(labels ?? {}));
  const seen = new Set<string>();
  const refuse = (text: string, why: string): DpctlError =>
    new DpctlError('LABEL_INVALID', `label ${JSON.stringify(text)}: ${why}`, {
      exitCode: 1,
      hint: advice`${run`${command.run} --label app=web`}, or --label app- to remove it`,
      details: { label: text },
    });
  for (const text of asked) {
    const at = text.indexOf('=');
    const removes = at < 0 && text.endsWith('-');
    if (at < 0 && !removes) throw refuse(text, 'it has no value: KEY=VALUE sets, KEY- removes');
    const key = text.slice(0, removes ? -1 : at);
    const value = text.slice(at + 1);
    if (!isLabelKey(key)) {
      throw refuse(
        text,
        'a key is 1 to 63 letters, digits, - _ or ., with a letter or digit at both ends; a DNS name and a slash may stand before it',
      );
    }
    if (seen.has(key)) throw refuse(text, `${key} is given twice`);
    seen.add(key);
    if (removes) edited.delete(key);
    else if (isLabelValue(value)) edited.set(key, value);
    else {
      throw refuse(
        text,
        'a value is empty or 1 to 63 letters, digits, - _ or ., with a letter or digit at both ends',
      );
    }
  }
  if (edited.size === 0) return undefined;
  return Object.fromEntries([...edited].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Labels as a list shows them: `KEY=VALUE`, by key. */
export function labelTexts(labels: Labels = {}): string[] {
  return Object.entries(labels).map(([key, value]) => `${key}=${value}`);
}

/** Who made an endpoint, as one word: columns of tables contain no blanks. */
export function ownerText(owner: Owner | undefined): string {
  if (owner === undefined) return 'person';
  if (owner.kind === 'lab') return `lab/${owner.lab}`;
  return `cni/${owner.config}/${owner.container}/${owner.ifname}`;
}
