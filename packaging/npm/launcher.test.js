// Tests of the launcher, with shell scripts in the place of the program: node --test packaging/npm
'use strict'

const assert = require('node:assert')
const { spawn, spawnSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { after, test } = require('node:test')

const folders = []
after(() => folders.forEach(folder => fs.rmSync(folder, { recursive: true })))

const here = `wasihttp-${process.platform}-${process.arch}`

// install lays out node_modules with the launcher and the packages, whose program is the script, and returns
// the path of the launcher.
function install(script, packages = [here]) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'launcher-'))
  folders.push(folder)
  const put = (name, text, mode = 0o644) => {
    const file = path.join(folder, 'node_modules', name)
    fs.mkdirSync(path.dirname(file), { recursive: true })
    fs.writeFileSync(file, text, { mode })
    return file
  }
  const optionalDependencies = { [here]: '1.2.3', 'wasihttp-other-cpu': '1.2.3' }
  put('wasihttp/package.json', JSON.stringify({ name: 'wasihttp', version: '1.2.3', optionalDependencies }))
  for (const name of packages) {
    put(`${name}/package.json`, JSON.stringify({ name, version: '1.2.3' }))
    put(`${name}/bin/wasihttp`, `#!/bin/sh\n${script}\n`, 0o755)
  }
  return put('wasihttp/bin/wasihttp.js', fs.readFileSync(path.join(__dirname, 'wasihttp.js')), 0o755)
}

// run runs the launcher to its end.
function run(launcher, args = [], options = {}) {
  return spawnSync(process.execPath, [...(options.node ?? []), launcher, ...args], { encoding: 'utf8', ...options })
}

test('arguments, streams and the exit code are those of the program', () => {
  const launcher = install('cat; printf "<%s>" "$@"; echo err >&2; exit 7')
  const r = run(launcher, ['a b', '', '--c=*'], { input: 'input ' })
  assert.deepStrictEqual([r.status, r.stdout, r.stderr], [7, 'input <a b><><--c=*>', 'err\n'])
})

test('the program has the terminal', () => {
  const launcher = install('test -t 0 && test -t 1 && test -t 2 && exit 5')
  // The program "script" gives a command a terminal, and ends with its exit code.
  const r = spawnSync('script', ['-qec', `${process.execPath} ${launcher}`, '/dev/null'], { stdio: ['ignore', 'pipe', 'pipe'] })
  assert.strictEqual(r.status, 5)
})

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']) {
  test(`${signal} reaches the program, whose exit code counts`, async () => {
    const name = signal.slice(3)
    const launcher = install(`trap 'echo ${name}; exit 9' ${name}; echo ready; while :; do sleep 0.05; done`)
    const child = spawn(process.execPath, [launcher], { stdio: ['ignore', 'pipe', 'inherit'] })
    let text = ''
    child.stdout.on('data', data => {
      if (text === '') child.kill(signal)
      text += data
    })
    const code = await new Promise(resolve => child.on('close', resolve))
    assert.deepStrictEqual([code, text], [9, `ready\n${name}\n`])
  })
}

for (const signal of ['SIGTERM', 'SIGKILL', 'SIGINT', 'SIGABRT']) {
  test(`a program that ${signal} ends ends the launcher alike`, () => {
    const r = run(install(`ulimit -c 0; kill -${signal.slice(3)} $$; while :; do sleep 0.05; done`))
    assert.strictEqual(r.signal, signal)
  })
}

test('a system without binary is named, with those that have one', () => {
  const launcher = install('exit 0')
  const fake = path.join(path.dirname(launcher), 'fake.js')
  fs.writeFileSync(fake, 'Object.defineProperty(process, "arch", { value: "mips" })')
  const r = run(launcher, [], { node: ['-r', fake] })
  assert.strictEqual(r.status, 1)
  assert.match(r.stderr, new RegExp(`^wasihttp: error: no binary is made for ${process.platform}-mips, only for .*other-cpu`))
  assert.match(r.stderr, /\nhint: .*go install/)
})

test('without optional dependencies, the fix is named', () => {
  const r = run(install('exit 0', []))
  assert.strictEqual(r.status, 1)
  assert.match(r.stderr, new RegExp(`^wasihttp: error: the package ${here}, `))
  assert.match(r.stderr, new RegExp(`\\nhint: .*--omit=optional.* npm install ${here}@1\\.2\\.3\\n`))
})

test('node_modules of another system is recognised', () => {
  const r = run(install('exit 0', ['wasihttp-other-cpu']))
  assert.strictEqual(r.status, 1)
  assert.match(r.stderr, /^wasihttp: error: .*wasihttp-other-cpu is: node_modules is from another system\nhint: delete node_modules/)
})

test('a program that cannot be started is named', () => {
  const launcher = install('exit 0')
  const program = path.join(path.dirname(launcher), '..', '..', here, 'bin', 'wasihttp')
  fs.chmodSync(program, 0o644)
  let r = run(launcher)
  assert.strictEqual(r.status, 1)
  assert.match(r.stderr, /^wasihttp: error: .*EACCES\nhint: .*chmod \+x/)
  fs.rmSync(program)
  r = run(launcher)
  assert.strictEqual(r.status, 1)
  assert.match(r.stderr, /^wasihttp: error: .*ENOENT\nhint: install it again: npm install wasihttp@1\.2\.3/)
})
