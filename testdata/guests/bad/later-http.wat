;; A component that answers HTTP requests as some later WASI may define it.
(component
  (core module $program (func (export "handle")))
  (core instance $program (instantiate $program))
  (func $handle (canon lift (core func $program "handle")))
  (instance $exported (export "handle" (func $handle)))
  (export "wasi:http/handler@0.4.0" (instance $exported)))
