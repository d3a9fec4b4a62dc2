;; A component that is a command line program, whose code has a type of garbage collection.
(component
  (core module $program
    (type $pair (struct (field i32) (field i32)))
    (func (export "run") (result i32)
      (drop (struct.new_default $pair))
      i32.const 0))
  (core instance $program (instantiate $program))
  (func $run (result (result)) (canon lift (core func $program "run")))
  (instance $exported (export "run" (func $run)))
  (export "wasi:cli/run@0.2.4" (instance $exported)))
