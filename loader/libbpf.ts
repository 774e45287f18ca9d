import { kernelError } from './errors.js';
import { lazyLibrary } from './ffi/library.js';
import { NULL } from './ffi/seam.js';

const raw = lazyLibrary(
  'libbpf',
  () => process.env.DPCTL_LIBBPF || 'libbpf.so.1',
  {
    libbpf_set_print: ['ptr', ['ptr']],
    libbpf_num_possible_cpus: ['int', []],
    libbpf_version_string: ['ptr', []],
    libbpf_probe_bpf_prog_type: ['int', ['int', 'ptr']],
    libbpf_probe_bpf_map_type: ['int', ['int', 'ptr']],

    bpf_map_create: ['int', ['int', 'ptr', 'uint', 'uint', 'uint', 'ptr']],
    bpf_map_lookup_elem: ['int', ['int', 'ptr', 'ptr']],
    bpf_map_update_elem: ['int', ['int', 'ptr', 'ptr', 'u64']],
    bpf_map_delete_elem: ['int', ['int', 'ptr']],
    bpf_map_get_next_key: ['int', ['int', 'ptr', 'ptr']],
    bpf_map_lookup_batch: ['int', ['int', 'ptr', 'ptr', 'ptr', 'ptr', 'ptr', 'ptr']],
    bpf_map_update_batch: ['int', ['int', 'ptr', 'ptr', 'ptr', 'ptr']],
    bpf_map_delete_batch: ['int', ['int', 'ptr', 'ptr', 'ptr']],
    bpf_obj_pin: ['int', ['int', 'ptr']],
    bpf_obj_get: ['int', ['ptr']],
    bpf_obj_get_info_by_fd: ['int', ['int', 'ptr', 'ptr']],
    bpf_prog_get_fd_by_id: ['int', ['uint']],
    bpf_map_get_fd_by_id: ['int', ['uint']],
    bpf_btf_get_fd_by_id: ['int', ['uint']],
    bpf_link_get_fd_by_id: ['int', ['uint']],
    bpf_prog_get_next_id: ['int', ['uint', 'ptr']],
    bpf_map_get_next_id: ['int', ['uint', 'ptr']],
    bpf_link_get_next_id: ['int', ['uint', 'ptr']],
    bpf_prog_load: ['int', ['int', 'ptr', 'ptr', 'ptr', 'u64', 'ptr']],
    bpf_prog_test_run_opts: ['int', ['int', 'ptr']],
    bpf_prog_query_opts: ['int', ['int', 'int', 'ptr']],
    bpf_link_create: ['int', ['int', 'int', 'int', 'ptr']],
    bpf_link_update: ['int', ['int', 'int', 'ptr']],
    bpf_link_detach: ['int', ['int']],
    libbpf_find_vmlinux_btf_id: ['int', ['ptr', 'int']],
    bpf_enable_stats: ['int', ['int']],

    bpf_object__open_file: ['ptr', ['ptr', 'ptr']],
    bpf_object__load: ['int', ['ptr']],
    bpf_object__close: ['void', ['ptr']],
    bpf_object__next_map: ['ptr', ['ptr', 'ptr']],
    bpf_object__next_program: ['ptr', ['ptr', 'ptr']],
    bpf_map__name: ['ptr', ['ptr']],
    bpf_map__fd: ['int', ['ptr']],
    bpf_map__type: ['int', ['ptr']],
    bpf_map__key_size: ['uint', ['ptr']],
    bpf_map__value_size: ['uint', ['ptr']],
    bpf_map__max_entries: ['uint', ['ptr']],
    bpf_map__map_flags: ['uint', ['ptr']],
    bpf_map__btf_key_type_id: ['uint', ['ptr']],
    bpf_map__btf_value_type_id: ['uint', ['ptr']],
    bpf_map__is_internal: ['bool', ['ptr']],
    bpf_map__initial_value: ['ptr', ['ptr', 'ptr']],
    bpf_map__set_max_entries: ['int', ['ptr', 'uint']],
    bpf_map__set_pin_path: ['int', ['ptr', 'ptr']],
    bpf_map__reuse_fd: ['int', ['ptr', 'int']],
    bpf_program__name: ['ptr', ['ptr']],
    bpf_program__fd: ['int', ['ptr']],
    bpf_program__set_autoload: ['int', ['ptr', 'uint']],

    bpf_xdp_query_id: ['int', ['int', 'int', 'ptr']],
    bpf_tc_hook_create: ['int', ['ptr']],
    bpf_tc_hook_destroy: ['int', ['ptr']],
    bpf_tc_attach: ['int', ['ptr', 'ptr']],
    bpf_tc_detach: ['int', ['ptr', 'ptr']],
    bpf_tc_query: ['int', ['ptr', 'ptr']],
  },
  'install the package libbpf1, or set DPCTL_LIBBPF to the path of a libbpf.so.1 (1.1 or later)',
);

let quiet = false;

/**
 * The system's libbpf (or DPCTL_LIBBPF), silenced: its messages belong in errors.
 * Every function that returns an int returns a negative errno on failure (libbpf 1.x).
 */
export function libbpf(): typeof raw {
  if (!quiet) {
    raw.libbpf_set_print(NULL);
    quiet = true;
  }
  return raw;
}

/**
 * The result of a libbpf call, or an error made of the negative errno that it returned.
 * @param call names the call and its object in the message
 */
export function checkBpf(call: string, result: number): number {
  if (result < 0) throw kernelError(call, -result);
  return result;
}
