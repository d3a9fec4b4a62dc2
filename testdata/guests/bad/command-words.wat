;; A program that needs another component: it makes a phrase, and returns ok.
(component
  (import "words:greeting/phrases" (instance $phrases
    (export "phrase" (type $phrase (sub resource)))
    (export "[constructor]phrase" (func (param "name" string) (result (own $phrase))))))
  (core module $memory (memory (export "memory") 1))
  (core instance $memory (instantiate $memory))
  (alias export $phrases "[constructor]phrase" (func $new))
  (core func $new (canon lower (func $new) (memory (core memory $memory "memory"))))
  (core module $main
    (import "phrases" "new" (func $new (param i32 i32) (result i32)))
    (func (export "run") (result i32)
      (drop (call $new (i32.const 0) (i32.const 0)))
      i32.const 0))
  (core instance $main (instantiate $main
    (with "phrases" (instance (export "new" (func $new))))))
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $iface (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $iface)))
