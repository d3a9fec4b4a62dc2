// Runs in StarlingMonkey's debugger realm, which offers `socket` and SpiderMonkey's Debugger, in
// place of the script that an editor would send. Messages are JSON after their length in bytes.
try {
  const dbg = new Debugger();
  dbg.addAllGlobalsAsDebuggees();
  let paused;

  function send(message) {
    const text = JSON.stringify(message);
    socket.send(`${text.length}\n${text}`);
  }

  function receive() {
    let text = "";
    let end;
    while ((end = text.indexOf("\n")) < 0) text += socket.receive(10);
    const length = parseInt(text, 10);
    text = text.slice(end + 1);
    while (text.length < length) text += socket.receive(length - text.length);
    return JSON.parse(text);
  }

  const withChildren = (script) => [script, ...script.getChildScripts().flatMap(withChildren)];

  // Stops at the first place of a line.
  function breakAt(path, line) {
    for (const script of dbg.findScripts().flatMap(withChildren)) {
      if (script.url !== path) continue;
      const [offset] = script.getPossibleBreakpointOffsets({ line });
      if (offset === undefined) continue;
      script.setBreakpoint(offset, { hit });
      return true;
    }
    return false;
  }

  function hit(frame) {
    paused = frame;
    send({ type: "hit", line: frame.script.getOffsetMetadata(frame.offset).lineNumber });
    obey();
  }

  function obey() {
    for (;;) {
      const message = receive();
      switch (message.type) {
        case "break":
          send({ type: "set", value: breakAt(message.path, message.line) });
          break;
        case "eval":
          send({ type: "value", value: String(paused.eval(message.value).return) });
          break;
        case "continue":
          return;
      }
    }
  }

  send({ type: "attached" });
  obey();
} catch (error) {
  print(`${error}\n${error.stack}`);
}
