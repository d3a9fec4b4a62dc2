;; A handler that does not respond. While an instance is made, it writes a line to stdout and one to stderr.
(component
  (import "wasi:io/error@0.2.4" (instance $error (export "error" (type (sub resource)))))
  (alias export $error "error" (type $error))
  (import "wasi:io/streams@0.2.4" (instance $streams
    (export "output-stream" (type $out (sub resource)))
    (alias outer 1 $error (type $outer-error))
    (export "error" (type $stream-cause (eq $outer-error)))
    (type $failure (variant (case "last-operation-failed" (own $stream-cause)) (case "closed")))
    (export "stream-error" (type $stream-error (eq $failure)))
    (export "[method]output-stream.blocking-write-and-flush"
      (func (param "self" (borrow $out)) (param "contents" (list u8)) (result (result (error $stream-error)))))))
  (alias export $streams "output-stream" (type $out))
  (import "wasi:cli/stdout@0.2.4" (instance $stdout
    (alias outer 1 $out (type $outer-out))
    (export "output-stream" (type $own-out (eq $outer-out)))
    (export "get-stdout" (func (result (own $own-out))))))
  (import "wasi:cli/stderr@0.2.4" (instance $stderr
    (alias outer 1 $out (type $outer-out))
    (export "output-stream" (type $own-out (eq $outer-out)))
    (export "get-stderr" (func (result (own $own-out))))))
  (import "wasi:http/types@0.2.4" (instance $http
    (export "incoming-request" (type (sub resource)))
    (export "response-outparam" (type (sub resource)))))
  (alias export $http "incoming-request" (type $request))
  (alias export $http "response-outparam" (type $outparam))

  (core module $memory (memory (export "memory") 1))
  (core instance $memory (instantiate $memory))
  (alias core export $memory "memory" (core memory $mem))
  (core func $get-stdout (canon lower (func $stdout "get-stdout")))
  (core func $get-stderr (canon lower (func $stderr "get-stderr")))
  (core func $write (canon lower (func $streams "[method]output-stream.blocking-write-and-flush") (memory $mem)))

  (core module $program
    (import "memory" "memory" (memory 1))
    (import "host" "get-stdout" (func $get-stdout (result i32)))
    (import "host" "get-stderr" (func $get-stderr (result i32)))
    (import "host" "write" (func $write (param i32 i32 i32 i32)))
    (data (i32.const 64) "stdout at start\0astderr at start\0a")
    (func $start
      (call $write (call $get-stdout) (i32.const 64) (i32.const 16) (i32.const 0))
      (call $write (call $get-stderr) (i32.const 80) (i32.const 16) (i32.const 0)))
    (start $start)
    (func (export "handle") (param i32 i32)))
  (core instance $program (instantiate $program
    (with "memory" (instance $memory))
    (with "host" (instance
      (export "get-stdout" (func $get-stdout))
      (export "get-stderr" (func $get-stderr))
      (export "write" (func $write))))))
  (func $handle (param "request" (own $request)) (param "response-out" (own $outparam))
    (canon lift (core func $program "handle")))
  (component $handler
    (import "request" (type $request (sub resource)))
    (import "response-outparam" (type $outparam (sub resource)))
    (import "handle" (func $handle (param "request" (own $request)) (param "response-out" (own $outparam))))
    (export "handle" (func $handle)))
  (instance $exported (instantiate $handler
    (with "request" (type $request))
    (with "response-outparam" (type $outparam))
    (with "handle" (func $handle))))
  (export "wasi:http/incoming-handler@0.2.4" (instance $exported)))
