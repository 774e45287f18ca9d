/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Changes to the MAC table that user space cannot make itself, because a count beside
 * the table must stay right. It asks a program that shares the maps, of type tc, the one
 * type that all supported kernels can test-run.
 */
#ifndef FDB_REQUESTS_H
#define FDB_REQUESTS_H

#include "fdb/age.h"

static __always_inline int control_fdb_forget(struct fdb_key *wanted)
{
	struct fdb_key key = *wanted;
	union fdb_owner owner;
	struct fdb *fdb;

	fdb = bpf_map_lookup_elem(&dp_fdb_v1, &key);
	if (!fdb)
		return -ENOENT;
	if (fdb->flags)
		return -EPERM;
	owner = fdb_owner(fdb);
	if (!owner.word || !fdb_forget(&key, fdb, owner))
		return -EAGAIN;
	return 0;
}

/* Exchanges the owner word, because another owner may have taken the entry meanwhile. */
static __always_inline int control_fdb_delete(struct control *control)
{
	union fdb_owner owner, nobody = { .word = 0 };
	struct fdb_key key = control->fdb;
	struct fdb *fdb;
	long error;

	fdb = bpf_map_lookup_elem(&dp_fdb_v1, &key);
	if (!fdb)
		return -ENOENT;
	owner = fdb_owner(fdb);
	if (!fdb->flags || owner.endpoint != control->endpoint || owner.node != control->node)
		return -EPERM;
	if (!owner.word || !fdb_exchange(fdb, owner, nobody))
		return -EAGAIN;
	error = bpf_map_delete_elem(&dp_fdb_v1, &key);
	if (error && error != -ENOENT) {
		fdb_exchange(fdb, nobody, owner);
		return -EAGAIN;
	}
	return 0;
}

/*
 * Replace a learned entry in one run. From user space this takes so long that an endpoint
 * which constantly sends from the MAC has it learned again each time.
 */
static __always_inline int control_fdb_put(struct control_put *put)
{
	struct fdb_key key = put->request.fdb;
	struct fdb *fdb, new = {
		.ifindex = put->ifindex,
		.endpoint = put->request.endpoint,
		.node = put->request.node,
		.flags = put->flags,
	};
	union fdb_owner owner;

	fdb = bpf_map_lookup_elem(&dp_fdb_v1, &key);
	if (fdb && !fdb->flags) {
		owner = fdb_owner(fdb);
		if (!owner.word || !fdb_forget(&key, fdb, owner))
			return -EAGAIN;
	}
	return bpf_map_update_elem(&dp_fdb_v1, &key, &new, BPF_NOEXIST);
}

SEC("tc")
int control(struct __sk_buff *skb)
{
	struct control *control = (void *)(long)skb->data;
	struct control_put *put = (void *)control;

	if ((void *)(control + 1) > (void *)(long)skb->data_end)
		return TC_ACT_UNSPEC;
	control->now = bpf_jiffies64();
	switch (control->op) {
	case CONTROL_NOW:
		control->result = 0;
		break;
	case CONTROL_FDB_FORGET:
		control->result = control_fdb_forget(&control->fdb);
		break;
	case CONTROL_FDB_DELETE:
		control->result = control_fdb_delete(control);
		break;
	case CONTROL_FDB_PUT:
		if ((void *)(put + 1) > (void *)(long)skb->data_end)
			return TC_ACT_UNSPEC;
		control->result = control_fdb_put(put);
		break;
	default:
		control->result = -EOPNOTSUPP;
	}
	return TC_ACT_OK;
}

#endif
