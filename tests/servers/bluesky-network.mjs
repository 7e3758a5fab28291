// Starts a whole AT Protocol network on loopback: PLC directory, personal data server, AppView.
// DB_POSTGRES_URL and REDIS_HOST tell where the stores are. Prints its addresses as JSON, runs until it is ended.
import { createRequire } from 'node:module'

const require = createRequire(process.cwd() + '/package.json')
const { TestNetwork } = require('@atproto/dev-env')
// What the network tells of itself goes to the other stream.
console.log = console.error
const network = await TestNetwork.create({ dbPostgresSchema: 'bluesky' })
process.stdout.write(JSON.stringify({ pds: network.pds.url, appview: network.bsky.url }) + '\n')
process.on('SIGTERM', async () => {
  await network.close()
  process.exit(0)
})

// Whoever started this is gone when its end of the pipe closes.
process.stdin.resume()
process.stdin.on('end', () => process.exit(0))
