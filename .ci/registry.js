// registry.js FOLDER: serves the npm packages in a folder as a registry would, at the address that it prints.
'use strict'

const { execFileSync } = require('node:child_process')
const crypto = require('node:crypto')
const fs = require('node:fs')
const http = require('node:http')
const path = require('node:path')

const folder = process.argv[2]
const packages = {}
for (const file of fs.readdirSync(folder)) {
  const text = execFileSync('tar', ['-xzOf', path.join(folder, file), 'package/package.json'])
  packages[JSON.parse(text).name] = { file, manifest: JSON.parse(text) }
}

const server = http.createServer((request, response) => {
  const name = decodeURIComponent(request.url.slice(1))
  const archive = path.join(folder, path.basename(name))
  if (name.endsWith('.tgz') && fs.existsSync(archive)) {
    fs.createReadStream(archive).pipe(response)
    return
  }
  if (!packages[name]) {
    response.writeHead(404).end('{}')
    return
  }
  const { file, manifest } = packages[name]
  const hash = crypto.createHash('sha512').update(fs.readFileSync(path.join(folder, file))).digest('base64')
  const dist = { tarball: `http://${request.headers.host}/${file}`, integrity: `sha512-${hash}` }
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify({
    name,
    'dist-tags': { latest: manifest.version },
    versions: { [manifest.version]: { ...manifest, dist } }
  }))
})
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`))
