// Package e2e tests the real program over real sockets with real guests: it builds wasihttp, serves
// each component of testdata/guests with it and drives every route as a client would.
//
// The environment widens or turns it:
//
//   - WASIHTTP_E2E_GUESTS names a folder with more guests, as testdata/guests/build.sh --link makes
//     it;
//   - WASIHTTP_E2E_SERVER is another server to drive with the same requests, as a check of the
//     tests: a command line to which the component's path is added, such as "wasmtime serve -Scli
//     --addr=127.0.0.1:0";
//   - WASIHTTP_WASMTIME names a wasmtime that programs with files, sockets and databases are run
//     with, too, and that runs each component as inspect says;
//   - WASIHTTP_E2E_SHELLS names shells beside bash in which completion is tested: "zsh fish";
//   - WASIHTTP_E2E_POSTGRES names the folder of PostgreSQL's programs, and
//     WASIHTTP_E2E_CHROMEDRIVER the program chromedriver: without them no database and no browser
//     is tested;
//   - WASIHTTP_E2E_PICTURES names a folder to which tests with a browser write pictures;
//   - WASIHTTP_E2E_TEMPLATES is set where the tools of all languages of "wasihttp new" are in the
//     PATH, with which new projects are then built and served;
//   - WASIHTTP_E2E_REQUESTS is how many requests of each kind the endurance test sends;
//   - WASIHTTP_E2E_BUILDFLAGS are flags for building wasihttp, such as "-race".
package e2e
