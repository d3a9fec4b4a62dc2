// Package nowait reads from sockets that never wait and writes to them. On Linux, Go's scheduler is
// not told of these system calls, which take a few microseconds for a few kilobytes. If the system
// gives the processor to another program meanwhile, which it does often where all have work, or a
// call takes more than 20 µs, the scheduler would hand its own processor to another thread, and
// look for such calls all the time. Nothing else gets the processor during a call, and the
// collector waits for it, so that a piece should not be longer than [Most].
package nowait

// Most is how much a call should be about, in bytes: what takes as long as guest code does from one
// safepoint to the next, 200 to 400 µs.
const Most = 1 << 20
