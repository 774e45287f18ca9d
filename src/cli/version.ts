/** Version of dpctl, the same as package.json's (a test compares them): the bundle stands alone. */
export const VERSION = '0.1.0';
