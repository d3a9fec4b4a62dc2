// Package term writes what people read: it decides about colors, symbols and
// width, and lets several writers share a stream line by line.
//
// The rules for all output:
//
//   - Results go to standard output, talk goes to standard error.
//   - A message of the program itself begins "wasihttp: " and a next step
//     begins "hint: "; both start in lower case and end without a full stop.
//   - Colour is used only where the stream is a terminal, unless the user
//     says otherwise (NO_COLOR, CLICOLOR, CLICOLOR_FORCE), and never carries
//     meaning alone.
//   - Only colours of the user's own palette are used, and of them those that
//     are readable on light and on dark backgrounds, without asking the
//     terminal what it has: red and magenta, and green for what may be
//     overlooked. Neither yellow and cyan, which fade on white, nor blue, which
//     fades on black, nor white.
//   - A line is written whole or not at all.
package term
