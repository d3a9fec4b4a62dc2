# The versions of the tools and libraries with which projects are made, tested and documented: read by the templates of
# this folder, testdata/guests/build.sh, .ci/run, and a test of docs/languages.md.

# crates
wstd=0.6.8
wstd_axum=0.6.8
axum=0.8
wasip3=0.9
wit_bindgen=0.63.0
wasm_tools_crate=1.262.0

# npm
componentize_js=0.23.0
componentize_qjs=0.4.5
preview2_shim=0.25.0 # imported by componentize-js, which does not say so; a second npm install would remove it
jco=1.35.0
typescript=7.0.2
types_node=24.19.4
hono=4.13.19
esbuild=0.28.2

# PyPI
componentize_py=0.25.1
jinja2=3.1.6
wasm_tools=1.262.0.0

# Go modules
go_pkg=0.4.0
