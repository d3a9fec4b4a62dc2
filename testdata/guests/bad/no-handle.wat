;; A component whose HTTP handler has no function of the right name.
(component
  (core module $program (func (export "handle")))
  (core instance $program (instantiate $program))
  (func $handle (canon lift (core func $program "handle")))
  (instance $exported (export "run" (func $handle)))
  (export "wasi:http/handler@0.3.0" (instance $exported)))
