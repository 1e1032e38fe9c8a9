// Certificates for tests, made on the spot: self-signed, with a key of their own, as two PEM files. Whoever
// trusts the certificate's file believes it.
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <stdexcept>
#include <string>

namespace understudy::test {

struct CertificateFiles {
  std::string certificate, key;
};

// Good for `seconds`. Writes over what is there; `common_name` is what tells one from another, and the DNS
// name that it is for.
inline void write_certificate(const CertificateFiles& files, const std::string& common_name,
                              int seconds = 3600) {
  EVP_PKEY* const key = EVP_EC_gen("P-256");
  X509* const certificate = X509_new();
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), seconds);  // from now; below 0: it has ended
  X509_set_pubkey(certificate, key);
  X509_NAME* const name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1, 0);
  X509_set_issuer_name(certificate, name);
  X509_EXTENSION* const names =
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, ("DNS:" + common_name).c_str());
  X509_add_ext(certificate, names, -1);
  X509_EXTENSION_free(names);
  bool written = X509_sign(certificate, key, EVP_sha256()) != 0;
  if (std::FILE* const file = std::fopen(files.certificate.c_str(), "w"); file != nullptr) {
    written = PEM_write_X509(file, certificate) == 1 && written;
    std::fclose(file);
  }
  if (std::FILE* const file = std::fopen(files.key.c_str(), "w"); file != nullptr) {
    written = PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr) == 1 && written;
    std::fclose(file);
  }
  X509_free(certificate);
  EVP_PKEY_free(key);
  if (!written) throw std::runtime_error("the certificate could not be written");
}

// RFC 7858 4.2: the SHA-256 of the public key, read from the certificate's file.
inline std::array<std::uint8_t, 32> key_pin(const std::string& file) {
  std::FILE* const in = std::fopen(file.c_str(), "r");
  X509* const certificate = in == nullptr ? nullptr : PEM_read_X509(in, nullptr, nullptr, nullptr);
  if (in != nullptr) std::fclose(in);
  if (certificate == nullptr) throw std::runtime_error("no certificate in " + file);
  std::array<std::uint8_t, 32> pin{};
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(X509_get0_pubkey(certificate), &der);
  EVP_Digest(der, static_cast<std::size_t>(size), pin.data(), nullptr, EVP_sha256(), nullptr);
  OPENSSL_free(der);
  X509_free(certificate);
  return pin;
}

}  // namespace understudy::test
