# s390x: big-endian: whatever reads or writes bytes shows its order here.
# Debian packages: g++-s390x-linux-gnu qemu-user. Programs are linked statically, so the emulator needs no sysroot.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR s390x)
set(CMAKE_CXX_COMPILER s390x-linux-gnu-g++)
set(CMAKE_EXE_LINKER_FLAGS_INIT -static)
find_program(FEWBITS_EMULATOR NAMES qemu-s390x qemu-s390x-static REQUIRED)
set(CMAKE_CROSSCOMPILING_EMULATOR ${FEWBITS_EMULATOR})
