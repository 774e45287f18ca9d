/** The bytes of netlink messages, which the loader needs as well: it lists filters. */
export * from '../../../loader/netlink/codec.js';
