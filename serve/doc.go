// Package serve is a development server for anything that can handle requests
// and be replaced while it runs: it listens, limits, hands each request to the
// current build, passes the response on as it is produced, explains failures, and
// drains when its context ends.
//
// It knows nothing about what a build is made of. One request goes:
//
//	listener → Server.ServeHTTP → a slot of the limit → a reference on the
//	current generation → Handler.Handle → head, body, trailers → one Record
//	for the log
//
// # Invariants
//
//   - Each request belongs to exactly one generation, from before Handle until
//     after Body.Close; a generation is closed only when no request holds it.
//   - Each request gets a response, and if the response cannot be sent whole
//     the connection is aborted, so that no client takes half for all.
//   - Each request makes exactly one Record.
package serve
