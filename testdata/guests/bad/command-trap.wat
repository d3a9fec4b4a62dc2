;; A command line program that traps.
(component
  (core module $program
    (func $deeper unreachable)
    (func $run (export "run") (result i32)
      call $deeper
      i32.const 0))
  (core instance $program (instantiate $program))
  (func $run (result (result)) (canon lift (core func $program "run")))
  (instance $exported (export "run" (func $run)))
  (export "wasi:cli/run@0.2.4" (instance $exported)))
