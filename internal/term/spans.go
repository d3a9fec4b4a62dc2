package term

import (
	"strconv"
	"strings"

	"github.com/wasihttp/wasihttp/internal/words"
)

// Span is text in one style.
type Span struct {
	// Class names the style as words for a style sheet: "c" and the number of a foreground colour
	// of the palette of sixteen, "g" and that of the background, "b" for bold, "d" for dim, "u" for
	// underlined, "i" for inverse; "" for plain text.
	Class string
	// Text is clean.
	Text string
}

// Spans splits a line of a program's output into spans. It understands SGR (ECMA-48, 8.3.117), with
// the colours of larger palettes as the nearest of the sixteen, and drops other escape sequences.
// Of a line that was written over again, only the last form counts.
func Spans(line string) []Span {
	line = strings.TrimRight(line, "\r\n")
	line = line[strings.LastIndexByte(line, '\r')+1:]
	var spans []Span
	var s sgr
	s.reset()
	add := func(text string) {
		if text = Clean(strings.ReplaceAll(text, "\t", "    ")); text == "" {
			return
		}
		class := s.class()
		if n := len(spans); n > 0 && spans[n-1].Class == class {
			spans[n-1].Text += text
			return
		}
		spans = append(spans, Span{class, text})
	}
	for line != "" {
		at := strings.IndexByte(line, 0x1b)
		if at < 0 {
			add(line)
			break
		}
		add(line[:at])
		n := words.EscapeLen(line[at:])
		sequence := line[at : at+n]
		if strings.HasPrefix(sequence, "\x1b[") && strings.HasSuffix(sequence, "m") {
			s.apply(sequence[2 : len(sequence)-1])
		}
		line = line[at+n:]
	}
	return spans
}

// sgr is the state that SGR sequences set.
type sgr struct {
	bold, dim, underlined, inverse bool
	fore, back                     int // of the palette; -1 for the default
}

func (s *sgr) reset() { *s = sgr{fore: -1, back: -1} }

// class returns the name of the style.
func (s *sgr) class() string {
	var words []string
	for _, word := range []struct {
		on   bool
		name string
	}{{s.bold, "b"}, {s.dim, "d"}, {s.underlined, "u"}, {s.inverse, "i"}} {
		if word.on {
			words = append(words, word.name)
		}
	}
	if s.fore >= 0 {
		words = append(words, "c"+strconv.Itoa(s.fore))
	}
	if s.back >= 0 {
		words = append(words, "g"+strconv.Itoa(s.back))
	}
	return strings.Join(words, " ")
}

// apply applies the parameters of one sequence. Those that it does not know have no effect.
func (s *sgr) apply(parameters string) {
	var list []string
	for p := range strings.SplitSeq(parameters, ";") {
		if p == "" {
			p = "0"
		}
		// Parts of one parameter may be empty, as in 38:2::255:0:0.
		list = append(list, strings.FieldsFunc(p, func(r rune) bool { return r == ':' })...)
	}
	for i := 0; i < len(list); i++ {
		n, err := strconv.Atoi(list[i])
		if err != nil {
			return
		}
		switch {
		case n == 0:
			s.reset()
		case n == 1:
			s.bold = true
		case n == 2:
			s.dim = true
		case n == 4:
			s.underlined = true
		case n == 7:
			s.inverse = true
		case n == 22:
			s.bold, s.dim = false, false
		case n == 24:
			s.underlined = false
		case n == 27:
			s.inverse = false
		case n >= 30 && n <= 37:
			s.fore = n - 30
		case n >= 90 && n <= 97:
			s.fore = n - 90 + 8
		case n == 39:
			s.fore = -1
		case n >= 40 && n <= 47:
			s.back = n - 40
		case n >= 100 && n <= 107:
			s.back = n - 100 + 8
		case n == 49:
			s.back = -1
		case n == 38 || n == 48:
			colour, used := extended(list[i+1:])
			i += used
			if n == 38 {
				s.fore = colour
			} else {
				s.back = colour
			}
		}
	}
}

// extended reads a colour of a larger palette, and returns the nearest of the sixteen and how many
// parameters it took.
func extended(list []string) (colour, used int) {
	number := func(i int) int {
		if i >= len(list) {
			return 0
		}
		n, _ := strconv.Atoi(list[i])
		return min(max(n, 0), 255)
	}
	if len(list) == 0 {
		return -1, 0
	}
	switch list[0] {
	case "5":
		n := number(1)
		switch {
		case n < 16:
			colour = n
		case n >= 232: // greys
			colour = nearest(n-232+1, n-232+1, n-232+1, 24)
		default: // a cube of 6 × 6 × 6
			n -= 16
			colour = nearest(n/36, n/6%6, n%6, 5)
		}
		return colour, min(2, len(list))
	case "2":
		return nearest(number(1), number(2), number(3), 255), min(4, len(list))
	}
	return -1, 1
}

// nearest returns the colour of the sixteen that is like one whose parts go up to most.
func nearest(red, green, blue, most int) int {
	high := max(red, green, blue)
	low := min(red, green, blue)
	if high-low <= most/6 { // a grey
		switch {
		case high*4 < most:
			return 0
		case high*2 < most:
			return 8
		case high*6 < most*5:
			return 7
		}
		return 15
	}
	colour := 0
	for i, part := range []int{red, green, blue} {
		if 2*part > high+low {
			colour |= 1 << i
		}
	}
	if high*5 > most*4 && low*5 > most {
		colour += 8
	}
	return colour
}
