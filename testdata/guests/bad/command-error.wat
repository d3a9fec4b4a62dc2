;; A command line program that returns an error.
(component
  (core module $program
    (func (export "run") (result i32)
      i32.const 1))
  (core instance $program (instantiate $program))
  (func $run (result (result)) (canon lift (core func $program "run")))
  (instance $exported (export "run" (func $run)))
  (export "wasi:cli/run@0.2.4" (instance $exported)))
