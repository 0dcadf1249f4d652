#!/usr/bin/env node
/*
 * The entry of the command. It says what this machine lacks before anything is loaded that an old Node could not even
 * read: this file and requirements.cjs keep to ECMAScript 5, which `npm run lint` proves.
 */
'use strict';

var unmet = require('./requirements.cjs').unmet(process);

if (unmet === undefined) {
  require('./start.cjs');
} else {
  process.stderr.write('clear-df: ' + unmet + '\n');
  // EXIT_CODES.ENVIRONMENT
  process.exitCode = 4;
}
