/** The environment of a Node that is going to change its user, which it refuses where io_uring may be in use. */
export const MAY_CHANGE_USER = { ...process.env, UV_USE_IO_URING: '0' };
