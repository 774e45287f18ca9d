/**
 * A call of the CNI plugin that its client forwards to the agent, and the answer.
 *
 * Source: CNI specification 1.1.0, sections 2 and 5.
 */

/** Input of the plugin from the container runtime: environment variables and standard input. */
export interface CniCall {
  /** CNI_COMMAND. */
  readonly command: string;
  /** CNI_CONTAINERID. */
  readonly containerId?: string;
  /** CNI_NETNS. */
  readonly netns?: string;
  /**
   * `DEVICE:INODE` of the netns file in the mount namespace of the plugin, in decimal. The agent may run in
   * another mount namespace, in which the path is a different file.
   */
  readonly netnsFile?: string;
  /** CNI_IFNAME. */
  readonly ifname?: string;
  /** CNI_ARGS. */
  readonly args?: string;
  /** CNI_PATH. */
  readonly path?: string;
  /** The network configuration: JSON text from standard input. */
  readonly config: string;
}

/** Output and exit status of the plugin. */
export interface CniAnswer {
  /** true: exit code 0. false: exit code 1, and `output` is an error object. */
  readonly success: boolean;
  /** JSON to print; nothing is printed if undefined. */
  readonly output?: object;
}
