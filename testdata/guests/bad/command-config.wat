;; A program that logs all that wasi:config has, and then the value of "greeting"; it traps without one.
(component
  (import "wasi:config/store@0.2.0-rc.1" (instance $store
    (type $failure (variant (case "upstream" string) (case "io" string)))
    (export "error" (type $error (eq $failure)))
    (export "get" (func (param "key" string) (result (result (option string) (error $error)))))
    (export "get-all" (func (result (result (list (tuple string string)) (error $error)))))))
  (import "wasi:logging/logging@0.1.0-draft" (instance $logging
    (type $levels (enum "trace" "debug" "info" "warn" "error" "critical"))
    (export "level" (type $level (eq $levels)))
    (export "log" (func (param "level" $level) (param "context" string) (param "message" string)))))

  (core module $memory
    (memory (export "memory") 1)
    (global $next (mut i32) (i32.const 4096))
    (data (i32.const 16) "greeting")
    (func (export "realloc") (param i32 i32) (param $align i32) (param $size i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
      (global.set $next (i32.add (local.get $at) (local.get $size)))
      (local.get $at)))
  (core instance $memory (instantiate $memory))
  (alias core export $memory "memory" (core memory $mem))
  (alias core export $memory "realloc" (core func $realloc))
  (core func $get (canon lower (func $store "get") (memory $mem) (realloc $realloc)))
  (core func $all (canon lower (func $store "get-all") (memory $mem) (realloc $realloc)))
  (core func $log (canon lower (func $logging "log") (memory $mem)))

  (core module $main
    (import "m" "memory" (memory 1))
    (import "h" "get" (func $get (param i32 i32 i32)))
    (import "h" "all" (func $all (param i32)))
    (import "h" "log" (func $log (param i32 i32 i32 i32 i32)))
    (func (export "run") (result i32)
      (local $at i32) (local $end i32)
      (call $all (i32.const 64))
      (if (i32.load8_u (i32.const 64)) (then unreachable))
      (local.set $at (i32.load (i32.const 68)))
      (local.set $end (i32.add (local.get $at) (i32.shl (i32.load (i32.const 72)) (i32.const 4))))
      (block $done
        (loop $next
          (br_if $done (i32.eq (local.get $at) (local.get $end)))
          (call $log (i32.const 2)
            (i32.load (local.get $at)) (i32.load offset=4 (local.get $at))
            (i32.load offset=8 (local.get $at)) (i32.load offset=12 (local.get $at)))
          (local.set $at (i32.add (local.get $at) (i32.const 16)))
          (br $next)))
      (call $get (i32.const 16) (i32.const 8) (i32.const 64))
      (if (i32.load8_u (i32.const 64)) (then unreachable))
      (if (i32.eqz (i32.load8_u (i32.const 68))) (then unreachable))
      (call $log (i32.const 5) (i32.const 0) (i32.const 0)
        (i32.load (i32.const 72)) (i32.load (i32.const 76)))
      i32.const 0))
  (core instance $main (instantiate $main
    (with "m" (instance $memory))
    (with "h" (instance
      (export "get" (func $get)) (export "all" (func $all)) (export "log" (func $log))))))
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $iface (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $iface)))
