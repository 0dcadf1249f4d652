/* Not part of clear-df.cjs: an old Node takes import() for an error in the syntax. */
'use strict';

import('../dist/esm/cli/main.js').catch((error) => {
  process.stderr.write(`clear-df: it cannot be loaded: ${error.stack}\n`);
  process.exitCode = 1;
});
