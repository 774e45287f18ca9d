/** Run as a separate program: make-netns add|del NAME. */

import { createNetns, deleteNetns } from '../../../src/linux/netns.js';

const [action, name = ''] = process.argv.slice(2);
if (action === 'add') await createNetns(name);
else await deleteNetns(name);
