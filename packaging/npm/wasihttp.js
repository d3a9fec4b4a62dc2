#!/usr/bin/env node
// Runs the binary that is in the package for this system.
'use strict'

const { spawn } = require('child_process')
const os = require('os')
const path = require('path')

const { version, optionalDependencies } = require('../package.json')
const wanted = `wasihttp-${process.platform}-${process.arch}`

function fail(message, hint) {
  console.error(`wasihttp: error: ${message}\nhint: ${hint}`)
  process.exit(1)
}

// folderOf returns the folder of an installed package, or nothing.
function folderOf(name) {
  try {
    return path.dirname(require.resolve(`${name}/package.json`))
  } catch {
    return undefined
  }
}

// binary returns the path of the program.
function binary() {
  if (!(wanted in optionalDependencies)) {
    const systems = Object.keys(optionalDependencies).map(name => name.slice('wasihttp-'.length))
    fail(`no binary is made for ${process.platform}-${process.arch}, only for ${systems.join(', ')}`,
      'with Go, it may build here: go install github.com/wasihttp/wasihttp@latest')
  }
  const folder = folderOf(wanted)
  if (folder) return path.join(folder, 'bin', process.platform === 'win32' ? 'wasihttp.exe' : 'wasihttp')
  const other = Object.keys(optionalDependencies).find(folderOf)
  if (other) {
    fail(`the package ${wanted} is not installed, but ${other} is: node_modules is from another system`,
      'delete node_modules and run npm install on this system')
  }
  fail(`the package ${wanted}, which has the program for this system, is not installed`,
    'optional dependencies were left out: install without --omit=optional (or --no-optional), or add it: ' +
    `npm install ${wanted}@${version}`)
}

const program = binary()

// The launcher outlives the program. On Windows, a console sends Ctrl-C to both; elsewhere a signal may be
// meant for this process alone, and the program takes two of them within moments for one. The handlers are
// there before the program: whoever sees it run may send a signal.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']) {
  if (!(signal in os.constants.signals)) continue
  process.on(signal, () => {
    if (process.platform !== 'win32') child.kill(signal)
  })
}

const child = spawn(program, process.argv.slice(2), { stdio: 'inherit' })

child.on('error', error => {
  fail(`${program}: ${error.message}`,
    error.code === 'EACCES'
      ? `the file cannot be executed: chmod +x ${program}`
      : `install it again: npm install wasihttp@${version}`)
})

child.on('exit', (code, signal) => {
  if (signal === null) process.exit(code)
  // Ends as the program did, so that who waits for this process sees the signal.
  process.removeAllListeners(signal)
  process.kill(process.pid, signal)
  // The signal may be one that this system cannot deliver.
  setTimeout(() => process.exit(128 + (os.constants.signals[signal] || 0)), 1000)
})
