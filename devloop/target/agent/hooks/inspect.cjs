// Opens the inspector in the app itself, not in what starts it: a package manager or a watcher.
// Loaded by NODE_OPTIONS in every node process of the app; the first that is the app has the port.
'use strict'
const { isMainThread } = require('node:worker_threads')
const { basename } = require('node:path')
const STARTERS = new RegExp('[\\\\/](npm|pnpm|yarn|corepack|npx|nodemon|tsx|concurrently|' +
  'cross-env|dotenv-cli|turbo|nx|ts-node-dev)[\\\\/]')
const main = process.argv[1] || ''
const watches = process.execArgv.some((one) => one.startsWith('--watch'))
const starts = STARTERS.test(main) || /^(npm|pnpm|yarn|npx)/.test(basename(main))
const port = Number(process.env.DEVLOOP_DEBUG_PORT)
if (port && main && isMainThread && !watches && !starts) {
  delete process.env.DEVLOOP_DEBUG_PORT // its children would ask for the same port
  require('node:inspector').open(port, '0.0.0.0')
}
