;; A component with a function of its own and nothing that any command here could call.
(component
  (core module $program
    (func (export "answer") (result i32)
      i32.const 42))
  (core instance $program (instantiate $program))
  (func $answer (result u32) (canon lift (core func $program "answer")))
  (export "answer" (func $answer)))
