/* Not part of clear-df.cjs: an old Node takes what the command is written in for errors in the syntax. */
'use strict';

require('../dist/esm/cli/main.js');
