/**
 * Version of dpctl, the same as in package.json (a test compares them): the bundle contains no package.json.
 */
export const VERSION = '0.1.0';
