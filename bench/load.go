package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// root is the path of requests unless a guest has another one for its work.
const root = "/"

// exchangeLimit is how long one response may take.
const exchangeLimit = time.Minute

// load sends requests for a path over so many connections, each one after the other, for about the
// duration, and returns the responses per second. Any response but a whole 200 is an error. It
// speaks just enough HTTP/1.1, as the machine is shared with the server: net/http's client would
// take more of it than the server does.
func load(
	ctx context.Context, address, path string, connections int, duration time.Duration,
) (float64, error) {
	var answers atomic.Int64
	var group sync.WaitGroup
	failures := make(chan error, connections)
	started := time.Now()
	end := started.Add(duration)
	for range connections {
		group.Go(func() {
			c, err := dial(ctx, address, path)
			if err != nil {
				failures <- err
				return
			}
			defer c.close()
			for time.Now().Before(end) && ctx.Err() == nil {
				if err := c.exchange(); err != nil {
					failures <- err
					return
				}
				answers.Add(1)
			}
		})
	}
	group.Wait()
	took := time.Since(started)
	close(failures)
	var all []error
	for err := range failures {
		all = append(all, err)
	}
	if err := errors.Join(append(all, ctx.Err())...); err != nil {
		return 0, err
	}
	return float64(answers.Load()) / took.Seconds(), nil
}

// connection is one kept-alive connection, opened again when the server has closed it.
type connection struct {
	ctx     context.Context
	address string
	request string
	conn    net.Conn
	reader  *bufio.Reader
}

func dial(ctx context.Context, address, path string) (*connection, error) {
	request := "GET " + path + " HTTP/1.1\r\nHost: bench\r\n\r\n"
	c := &connection{ctx: ctx, address: address, request: request}
	return c, c.open()
}

func (c *connection) open() error {
	var dialer net.Dialer
	conn, err := dialer.DialContext(c.ctx, "tcp", c.address)
	if err != nil {
		return err
	}
	c.conn, c.reader = conn, bufio.NewReader(conn)
	return nil
}

func (c *connection) close() {
	if c.conn != nil {
		_ = c.conn.Close()
		c.conn = nil
	}
}

// exchange sends the request and reads the whole response.
func (c *connection) exchange() error {
	if c.conn == nil {
		if err := c.open(); err != nil {
			return err
		}
	}
	if err := c.conn.SetDeadline(time.Now().Add(exchangeLimit)); err != nil {
		return err
	}
	if _, err := io.WriteString(c.conn, c.request); err != nil {
		return err
	}
	return c.answer()
}

func (c *connection) answer() error {
	line, err := c.reader.ReadSlice('\n')
	if err != nil {
		return fmt.Errorf("status line: %w", err)
	}
	if !bytes.HasPrefix(line, []byte("HTTP/1.1 200")) {
		return fmt.Errorf("answered %q", bytes.TrimSpace(line))
	}
	length, chunked, last := -1, false, false
	for {
		line, err := c.reader.ReadSlice('\n')
		if err != nil {
			return fmt.Errorf("header: %w", err)
		}
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimSpace(value)
		switch {
		case bytes.EqualFold(name, []byte("content-length")):
			if length, err = strconv.Atoi(string(value)); err != nil {
				return err
			}
		case bytes.EqualFold(name, []byte("transfer-encoding")):
			chunked = bytes.EqualFold(value, []byte("chunked"))
		case bytes.EqualFold(name, []byte("connection")):
			last = bytes.EqualFold(value, []byte("close"))
		}
	}
	switch {
	case chunked:
		err = c.chunks()
	case length >= 0:
		_, err = c.reader.Discard(length)
	case last:
		_, err = io.Copy(io.Discard, c.reader)
	default:
		err = errors.New("an answer without a length")
	}
	if err != nil {
		return fmt.Errorf("body: %w", err)
	}
	if last {
		c.close()
	}
	return nil
}

// chunks reads a chunked body and the end of its trailers.
func (c *connection) chunks() error {
	for {
		line, err := c.reader.ReadSlice('\n')
		if err != nil {
			return err
		}
		size, err := strconv.ParseUint(string(bytes.TrimSpace(line)), 16, 31)
		if err != nil {
			return err
		}
		if size > 0 {
			if _, err := c.reader.Discard(int(size) + len("\r\n")); err != nil {
				return err
			}
			continue
		}
		for {
			line, err := c.reader.ReadSlice('\n')
			if err != nil || len(bytes.TrimSpace(line)) == 0 {
				return err
			}
		}
	}
}
