package grpc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// both is for calls that stream in each direction.
var both = &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}

func method(name string) string { return "/echo.Echo/" + name }

// start begins a call; its context ends with the test.
func start(t *testing.T, c *grpc.ClientConn, name string, meta ...string) (grpc.ClientStream, context.CancelFunc) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	stream, err := c.NewStream(metadata.AppendToOutgoingContext(ctx, meta...), both, method(name))
	if err != nil {
		t.Fatal(err)
	}
	return stream, cancel
}

func send(t *testing.T, s grpc.ClientStream, text string) {
	t.Helper()
	if err := s.SendMsg(wrapperspb.String(text)); err != nil {
		t.Fatal(err)
	}
}

func receive(t *testing.T, s grpc.ClientStream, want string) {
	t.Helper()
	got := new(wrapperspb.StringValue)
	if err := s.RecvMsg(got); err != nil || got.Value != want {
		t.Errorf("got %.100q, %v, want %.100q", got.Value, err, want)
	}
}

// end checks that the call ends with a status.
func end(t *testing.T, s grpc.ClientStream, want codes.Code) {
	t.Helper()
	err := s.RecvMsg(new(wrapperspb.StringValue))
	if want == codes.OK && errors.Is(err, io.EOF) {
		return
	}
	if status.Code(err) != want || err == nil {
		t.Errorf("ended with %v, want %v", err, want)
	}
}

// eachServer runs a test with the guests of each WASI, over TLS and without.
func eachServer(t *testing.T, test func(t *testing.T, s *server)) {
	for wasi, guest := range guests {
		for wire, flags := range map[string][]string{"h2c": nil, "tls": {"--tls"}} {
			t.Run(wasi+" "+wire, func(t *testing.T) {
				t.Parallel()
				test(t, serve(t, guest, flags...))
			})
		}
	}
}

// calls makes a call of each kind, with meta, through the method via unless that is "".
func calls(t *testing.T, c *grpc.ClientConn, via string, meta ...string) {
	t.Helper()
	begin := func(name string) grpc.ClientStream {
		if via == "" {
			s, _ := start(t, c, name, meta...)
			return s
		}
		s, _ := start(t, c, via, append(meta[:len(meta):len(meta)], "x-method", name)...)
		return s
	}
	closeSend := func(s grpc.ClientStream) {
		if err := s.CloseSend(); err != nil {
			t.Fatal(err)
		}
	}
	long := strings.Repeat("0123456789abcdef", 64<<10)
	for _, text := range []string{"", "hello", long} {
		s := begin("Unary")
		send(t, s, text)
		closeSend(s)
		receive(t, s, text)
		end(t, s, codes.OK)
	}
	s := begin("Collect")
	for i := range 3 {
		send(t, s, fmt.Sprint(i))
	}
	closeSend(s)
	receive(t, s, "0+1+2")
	end(t, s, codes.OK)

	s = begin("Repeat")
	send(t, s, "again")
	closeSend(s)
	for range 3 {
		receive(t, s, "again")
	}
	end(t, s, codes.OK)

	// Each message is sent only after the response to the one before it has come.
	s = begin("Chat")
	for i := range 5 {
		send(t, s, fmt.Sprint("ball ", i))
		receive(t, s, fmt.Sprint("ball ", i))
	}
	closeSend(s)
	end(t, s, codes.OK)

	s = begin("Fail")
	closeSend(s)
	err := s.RecvMsg(new(wrapperspb.StringValue))
	if status.Code(err) != codes.NotFound || status.Convert(err).Message() != "nothing there" {
		t.Errorf("got %v", err)
	}
}

func TestAComponentIsAServer(t *testing.T) {
	eachServer(t, func(t *testing.T, s *server) {
		c := s.dial(t)
		calls(t, c, "")
		stream, _ := start(t, c, "Nothing")
		end(t, stream, codes.Unimplemented)
	})
}

func TestManyCallsShareAConnection(t *testing.T) {
	eachServer(t, func(t *testing.T, s *server) {
		c := s.dial(t)
		var group sync.WaitGroup
		for range 20 {
			group.Go(func() {
				got := new(wrapperspb.StringValue)
				err := c.Invoke(t.Context(), method("Unary"), wrapperspb.String("hi"), got)
				if err != nil || got.Value != "hi" {
					t.Errorf("got %q, %v", got.Value, err)
				}
			})
		}
		group.Wait()
	})
}

func TestMetadataReachesBothSides(t *testing.T) {
	eachServer(t, func(t *testing.T, s *server) {
		c := s.dial(t)
		ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
		defer cancel()
		ctx = metadata.AppendToOutgoingContext(ctx, "x-meta", "of the client", "x-forwarded-for", "203.0.113.7")
		var head metadata.MD
		got := new(wrapperspb.StringValue)
		if err := c.Invoke(ctx, method("Head"), wrapperspb.String(""), got, grpc.Header(&head)); err != nil {
			t.Fatal(err)
		}
		scheme := "Http"
		if s.roots != nil {
			scheme = "Https"
		}
		for _, want := range []string{scheme + ")", "127.0.0.1:", "; te=trailers", "; grpc-timeout=1", "; x-meta=of the client",
			"; x-forwarded-for=203.0.113.7"} {
			if !strings.Contains(got.Value, want) {
				t.Errorf("got %q, which lacks %q", got.Value, want)
			}
		}
		if meta := head.Get("x-meta"); len(meta) != 1 || meta[0] != "of the guest" {
			t.Errorf("got %v", head)
		}
	})
}

func TestACallEndsAtItsDeadline(t *testing.T) {
	eachServer(t, func(t *testing.T, s *server) {
		c := s.dial(t)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		err := c.Invoke(ctx, method("Late"), wrapperspb.String(""), new(wrapperspb.StringValue))
		if status.Code(err) != codes.DeadlineExceeded {
			t.Errorf("got %v", err)
		}
		s.await(t, `POST /echo.Echo/Late .*client-gone`)
		calls(t, c, "")
	})
}

func TestACallThatIsCancelledEndsForTheComponent(t *testing.T) {
	eachServer(t, func(t *testing.T, s *server) {
		c := s.dial(t)
		stream, cancel := start(t, c, "Chat")
		send(t, stream, "hi")
		receive(t, stream, "hi")
		cancel()
		end(t, stream, codes.Canceled)
		s.await(t, `POST /echo.Echo/Chat .*(client-gone|error-code)`)
		calls(t, c, "")
	})
}

// TestAComponentIsAClient has a component pass calls on to a server of gRPC, and call one itself.
func TestAComponentIsAClient(t *testing.T) {
	for wasi, guest := range guests {
		for _, secure := range []bool{false, true} {
			t.Run(fmt.Sprint(wasi, " TLS ", secure), func(t *testing.T) {
				t.Parallel()
				target, flag, _ := upstream(t, secure)
				s := serve(t, guest, flag...)
				calls(t, s.dial(t), "Via", "x-target", target)
				ask(t, s, target)
			})
		}
	}
}

// ask has a component call Collect of the target.
func ask(t *testing.T, s *server, target string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", s.url+"ask", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("x-target", target)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, err := io.ReadAll(resp.Body); err != nil || string(text) != "one+two status 0" {
		t.Errorf("got %q, %v", text, err)
	}
}

// TestACallThatWasRecordedIsRepeatedWithoutItsServer records a request for which the component
// calls a server, and runs it as a fixture when that server has gone.
func TestACallThatWasRecordedIsRepeatedWithoutItsServer(t *testing.T) {
	for wasi, guest := range guests {
		for _, secure := range []bool{false, true} {
			t.Run(fmt.Sprint(wasi, " TLS ", secure), func(t *testing.T) {
				t.Parallel()
				fixtures := t.TempDir()
				target, flags, stop := upstream(t, secure)
				s := serve(t, guest, append(flags, "--record", fixtures)...)
				ask(t, s, target)
				s.stop(t)
				stop()
				command := exec.Command(os.Getenv(builtVariable), "test", "--cache-dir", os.Getenv(cacheVariable),
					"--component", component(guest), fixtures)
				if output, err := command.CombinedOutput(); err != nil || !strings.Contains(string(output), "1 passed") {
					t.Errorf("%v\n%s", err, output)
				}
			})
		}
	}
}

func TestACallOfAComponentIsCancelledWithItsOwn(t *testing.T) {
	for wasi, guest := range guests {
		t.Run(wasi, func(t *testing.T) {
			t.Parallel()
			target, flag, _ := upstream(t, false)
			s := serve(t, guest, flag...)
			stream, cancel := start(t, s.dial(t), "Via", "x-target", target, "x-method", "Wait")
			send(t, stream, "hi")
			receive(t, stream, "waiting")
			cancel()
			select {
			case <-waited:
			case <-time.After(patience):
				t.Error("the server's call goes on")
			}
		})
	}
}
