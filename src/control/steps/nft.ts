/** nft.apply: the rules of the host's firewall, all in one transaction. */
import { nftApply as applyRules, nftDelete } from '../../datapath/nft/nft.js';
import { withNetnsPath } from '../../linux/netns.js';
import type { StepOf } from '../../model/plan/plan.js';
import type { StepActions } from './actions.js';

/** Write the rules of this root's table. */
export const nftApply: StepActions<StepOf<'nft.apply'>> = {
  execute: (node, { table, rules, host, replaces }) =>
    withNetnsPath(node.netnsFd(), async (path) => {
      await applyRules(path, table, { masquerades: rules, host });
      if (replaces !== undefined) await nftDelete(path, replaces);
    }),
  undo: (node, { table, was, wasHost }) =>
    withNetnsPath(node.netnsFd(), async (path) => {
      await applyRules(path, table, { masquerades: was, host: wasHost });
    }),
  describe({ table, rules, host }) {
    const subnets = rules.map(({ subnet }) => subnet).join(' ');
    const guards = host.length > 0 ? `${host.length} guards` : '';
    return { subject: `table inet ${table}`, detail: [subnets, guards].filter(Boolean).join(', ') };
  },
  omittedByReset: true,
};
