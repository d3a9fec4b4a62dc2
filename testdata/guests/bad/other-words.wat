;; Exports words:greeting/phrases as another version of it could: text returns a number.
(component
  (core module $m
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024)
    (func (export "new") (param i32 i32) (result i32) unreachable)
    (func (export "text") (param i32) (result i32) i32.const 42))
  (core instance $i (instantiate $m))
  (type $phrase (resource (rep i32)))
  (func $new (param "name" string) (result (own $phrase))
    (canon lift (core func $i "new") (memory (core memory $i "memory"))
      (realloc (core func $i "realloc"))))
  (func $text (param "self" (borrow $phrase)) (result u32) (canon lift (core func $i "text")))
  (component $shim
    (import "phrase" (type $phrase (sub resource)))
    (import "[constructor]phrase" (func $new (param "name" string) (result (own $phrase))))
    (import "[method]phrase.text" (func $text (param "self" (borrow $phrase)) (result u32)))
    (export $exported "phrase" (type $phrase))
    (export "[constructor]phrase" (func $new)
      (func (param "name" string) (result (own $exported))))
    (export "[method]phrase.text" (func $text)
      (func (param "self" (borrow $exported)) (result u32))))
  (instance $iface (instantiate $shim
    (with "phrase" (type $phrase))
    (with "[constructor]phrase" (func $new))
    (with "[method]phrase.text" (func $text))))
  (export "words:greeting/phrases" (instance $iface)))
