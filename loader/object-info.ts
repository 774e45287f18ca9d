import { checkBpf, libbpf } from './libbpf.js';
import { type Struct, struct } from './struct.js';

/**
 * What the kernel says about a BPF object (BPF_OBJ_GET_INFO_BY_FD).
 * @param fd of a map, program, link or BTF
 * @param size of the info struct wanted; an older kernel fills in less and leaves the rest zero
 * @param info a struct with fields already set, for the info types that take pointers
 */
export function objectInfo(fd: number, size: number, info: Struct = struct(size)): Struct {
  const length = struct(4).u32(0, size);
  checkBpf('bpf_obj_get_info_by_fd', libbpf().bpf_obj_get_info_by_fd(fd, info.bytes, length.bytes));
  return info;
}
