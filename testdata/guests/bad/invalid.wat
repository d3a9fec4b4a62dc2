;; Decodes, but does not validate: the core function gives i64 where the type wants i32.
(component
  (core module $program
    (func (export "answer") (result i64)
      i64.const 42))
  (core instance $program (instantiate $program))
  (func $answer (result u32) (canon lift (core func $program "answer")))
  (export "answer" (func $answer)))
