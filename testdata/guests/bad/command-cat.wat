;; A command line program that prints its arguments and its environment, a line each, and then copies its input to its output.
(component
  (import "wasi:cli/environment@0.2.4" (instance $environment
    (export "get-environment" (func (result (list (tuple string string)))))
    (export "get-arguments" (func (result (list string))))))
  (import "wasi:io/error@0.2.4" (instance $error (export "error" (type (sub resource)))))
  (alias export $error "error" (type $error))
  (import "wasi:io/streams@0.2.4" (instance $streams
    (export "input-stream" (type $in (sub resource)))
    (export "output-stream" (type $out (sub resource)))
    (alias outer 1 $error (type $outer-error))
    (export "error" (type $stream-cause (eq $outer-error)))
    (type $failure (variant (case "last-operation-failed" (own $stream-cause)) (case "closed")))
    (export "stream-error" (type $stream-error (eq $failure)))
    (export "[method]input-stream.blocking-read"
      (func (param "self" (borrow $in)) (param "len" u64) (result (result (list u8) (error $stream-error)))))
    (export "[method]output-stream.blocking-write-and-flush"
      (func (param "self" (borrow $out)) (param "contents" (list u8)) (result (result (error $stream-error)))))))
  (alias export $streams "input-stream" (type $in))
  (alias export $streams "output-stream" (type $out))
  (import "wasi:cli/stdin@0.2.4" (instance $stdin
    (alias outer 1 $in (type $outer-in))
    (export "input-stream" (type $own-in (eq $outer-in)))
    (export "get-stdin" (func (result (own $own-in))))))
  (import "wasi:cli/stdout@0.2.4" (instance $stdout
    (alias outer 1 $out (type $outer-out))
    (export "output-stream" (type $own-out (eq $outer-out)))
    (export "get-stdout" (func (result (own $own-out))))))

  ;; Allocations go up from 4096 and are given back all at once.
  (core module $memory
    (memory (export "memory") 64)
    (global $next (export "next") (mut i32) (i32.const 4096))
    (func (export "realloc") (param i32 i32) (param $align i32) (param $size i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and
        (i32.add (global.get $next) (i32.sub (local.get $align) (i32.const 1)))
        (i32.sub (i32.const 0) (local.get $align))))
      (global.set $next (i32.add (local.get $at) (local.get $size)))
      (local.get $at)))
  (core instance $memory (instantiate $memory))
  (alias core export $memory "memory" (core memory $mem))
  (alias core export $memory "realloc" (core func $realloc))

  (core func $get-environment (canon lower (func $environment "get-environment") (memory $mem) (realloc $realloc)))
  (core func $get-arguments (canon lower (func $environment "get-arguments") (memory $mem) (realloc $realloc)))
  (core func $get-stdin (canon lower (func $stdin "get-stdin")))
  (core func $get-stdout (canon lower (func $stdout "get-stdout")))
  (core func $read (canon lower (func $streams "[method]input-stream.blocking-read") (memory $mem) (realloc $realloc)))
  (core func $write (canon lower (func $streams "[method]output-stream.blocking-write-and-flush") (memory $mem) (realloc $realloc)))

  (core module $program
    (import "memory" "memory" (memory 64))
    (import "memory" "next" (global $next (mut i32)))
    (import "host" "get-environment" (func $get-environment (param i32)))
    (import "host" "get-arguments" (func $get-arguments (param i32)))
    (import "host" "get-stdin" (func $get-stdin (result i32)))
    (import "host" "get-stdout" (func $get-stdout (result i32)))
    (import "host" "read" (func $read (param i32 i64 i32)))
    (import "host" "write" (func $write (param i32 i32 i32 i32)))
    (global $out (mut i32) (i32.const 0))
    (data (i32.const 32) "=\0a")

    ;; Tells whether writing failed.
    (func $print (param $at i32) (param $length i32) (result i32)
      (call $write (global.get $out) (local.get $at) (local.get $length) (i32.const 0))
      (i32.load8_u (i32.const 0)))

    (func (export "run") (result i32)
      (local $in i32) (local $at i32) (local $end i32)
      (local.set $in (call $get-stdin))
      (global.set $out (call $get-stdout))

      (call $get-arguments (i32.const 16))
      (local.set $at (i32.load (i32.const 16)))
      (local.set $end (i32.add (local.get $at) (i32.mul (i32.load (i32.const 20)) (i32.const 8))))
      (block $done (loop $more
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (drop (call $print (i32.load (local.get $at)) (i32.load offset=4 (local.get $at))))
        (drop (call $print (i32.const 33) (i32.const 1)))
        (local.set $at (i32.add (local.get $at) (i32.const 8)))
        (br $more)))

      (call $get-environment (i32.const 16))
      (local.set $at (i32.load (i32.const 16)))
      (local.set $end (i32.add (local.get $at) (i32.mul (i32.load (i32.const 20)) (i32.const 16))))
      (block $done (loop $more
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (drop (call $print (i32.load (local.get $at)) (i32.load offset=4 (local.get $at))))
        (drop (call $print (i32.const 32) (i32.const 1)))
        (drop (call $print (i32.load offset=8 (local.get $at)) (i32.load offset=12 (local.get $at))))
        (drop (call $print (i32.const 33) (i32.const 1)))
        (local.set $at (i32.add (local.get $at) (i32.const 16)))
        (br $more)))

      (loop $copy
        (global.set $next (i32.const 4096))
        (call $read (local.get $in) (i64.const 4096) (i32.const 0))
        ;; The end of the input is success, whatever else it may be.
        (if (i32.load8_u (i32.const 0)) (then (return (i32.const 0))))
        ;; An output that is closed is an error.
        (if (call $print (i32.load (i32.const 4)) (i32.load (i32.const 8))) (then (return (i32.const 1))))
        (br $copy))
      (unreachable)))
  (core instance $program (instantiate $program
    (with "memory" (instance $memory))
    (with "host" (instance
      (export "get-environment" (func $get-environment))
      (export "get-arguments" (func $get-arguments))
      (export "get-stdin" (func $get-stdin))
      (export "get-stdout" (func $get-stdout))
      (export "read" (func $read))
      (export "write" (func $write))))))
  (func $run (result (result)) (canon lift (core func $program "run")))
  (instance $exported (export "run" (func $run)))
  (export "wasi:cli/run@0.2.4" (instance $exported)))
