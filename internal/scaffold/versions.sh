# The versions of the tools and libraries with which projects are made, tested and documented. The
# templates of this folder have them, testdata/guests/build.sh reads them, and a test compares docs/languages.md with them.
wstd=0.6.8
wasip3=0.9
