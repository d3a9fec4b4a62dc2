/* ProcessPrng for Wine 8, which lacks the library that Go's runtime asks for random numbers. */
#include <windows.h>

BOOLEAN NTAPI SystemFunction036(PVOID buffer, ULONG length); /* RtlGenRandom, in advapi32 */

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T length) {
  const SIZE_T most = 1 << 16;
  while (length > 0) {
    ULONG part = (ULONG)(length < most ? length : most);
    if (!SystemFunction036(data, part)) return FALSE;
    data += part;
    length -= part;
  }
  return TRUE;
}
