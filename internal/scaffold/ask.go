package scaffold

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Ask lists the languages on out and reads the number or the name of one from in, again and again
// until there is such a language. It returns ok false at the end of in. Program is who asks, and
// question is written in front of each line that is read.
func Ask(in io.Reader, out io.Writer, program, question string) (l *Language, ok bool) {
	languages := Languages()
	for i, l := range languages {
		fmt.Fprintf(out, "%3d  %-7s %s\n", i+1, l.Name, l.About)
	}
	lines := bufio.NewReader(in)
	for {
		fmt.Fprint(out, question)
		line, err := lines.ReadString('\n')
		line = strings.TrimSpace(line)
		if n, err := strconv.Atoi(line); err == nil && n >= 1 && n <= len(languages) {
			return languages[n-1], true
		}
		if l := Find(line); l != nil {
			return l, true
		}
		if err != nil {
			return nil, false
		}
		fmt.Fprintf(out, "%s: type a number from 1 to %d, or a name\n", program, len(languages))
	}
}
