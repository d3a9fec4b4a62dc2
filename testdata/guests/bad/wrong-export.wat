;; A component whose HTTP handler takes no request.
(component
  (core module $program (func (export "handle")))
  (core instance $program (instantiate $program))
  (func $handle (canon lift (core func $program "handle")))
  (instance $exported (export "handle" (func $handle)))
  (export "wasi:http/incoming-handler@0.2.12" (instance $exported)))
