/**
 * A call of the CNI plugin, as its client hands it over, and the answer.
 *
 * Source: CNI specification 1.1.0, sections 2 and 5.
 */

/** What a runtime told the plugin: its environment and standard input. */
export interface CniCall {
  /** CNI_COMMAND. */
  readonly command: string;
  /** CNI_CONTAINERID. */
  readonly containerId?: string;
  /** CNI_NETNS. */
  readonly netns?: string;
  /**
   * `DEVICE:INODE` of that file as the plugin sees it, in decimal: the agent may be in another mount
   * namespace, where the path is another file.
   */
  readonly netnsFile?: string;
  /** CNI_IFNAME. */
  readonly ifname?: string;
  /** CNI_ARGS. */
  readonly args?: string;
  /** CNI_PATH. */
  readonly path?: string;
  /** The network configuration: the text of standard input. */
  readonly config: string;
}

/** What the plugin prints, and how it exits. */
export interface CniAnswer {
  /** Exit code 0; otherwise `output` is an error object, and the exit code is 1. */
  readonly success: boolean;
  /** Undefined: nothing is printed. */
  readonly output?: object;
}
