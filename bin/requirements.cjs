/* What clear-df needs before it can start. ECMAScript 5; scripts/setup asks it as well. */
'use strict';

var fs = require('fs');
var path = require('path');

var NODE_MIN = require('../package.json').engines.node.replace('>=', '');

function isOlder(version, least) {
  var has = version.replace(/^v/, '').split('.').map(Number);
  var needs = least.split('.').map(Number);
  if (has[0] !== needs[0]) return has[0] < needs[0];
  return has[1] < needs[1];
}

/** One sentence that says what is there and what is needed; undefined where Node and system will do. */
function unmetBySystem(host) {
  if (host.platform !== 'linux') return 'this is ' + host.platform + '; clear-df needs Linux';
  if (isOlder(host.version, NODE_MIN)) {
    return 'this is Node.js ' + host.version + ' (' + host.execPath + '); clear-df needs ' + NODE_MIN + ' or later';
  }
  return undefined;
}

/** As unmetBySystem; in a clone dist/ has to be built, too. */
function unmet(host) {
  var system = unmetBySystem(host);
  if (system !== undefined) return system;
  var root = path.join(__dirname, '..');
  if (fs.existsSync(path.join(root, 'dist/esm/cli/main.js'))) return undefined;
  return root + ' has no dist/: it is a clone that is not built; npm run setup builds it';
}

module.exports = { unmet: unmet, unmetBySystem: unmetBySystem };
