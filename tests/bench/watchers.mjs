// Watches a folder with one of npm's watchers: `node watchers.mjs TOOL FOLDER MODULES`.
// Prints "ready MILLISECONDS KIB" (what the start took and added), then a line for each call back.
import { createRequire } from 'node:module'
import { performance } from 'node:perf_hooks'

const [tool, root, modules] = process.argv.slice(2)
const load = createRequire(`${modules}/`)
const told = () => process.stdout.write('seen\n')
const begin = {
  parcel: (watcher) => watcher.subscribe(root, told, { ignore: ['**/node_modules/**'] }),
  chokidar: (watcher) =>
    new Promise((ready) => {
      const ignored = (path) => path.endsWith('/node_modules')
      watcher.watch(root, { ignored, ignoreInitial: true }).on('all', told).on('ready', ready)
    }),
}
const watcher = load({ parcel: '@parcel/watcher', chokidar: 'chokidar' }[tool])
const before = [performance.now(), process.memoryUsage().rss]
await begin[tool](watcher)
const took = performance.now() - before[0]
const added = (process.memoryUsage().rss - before[1]) / 1024
process.stdout.write(`ready ${took} ${added}\n`)
