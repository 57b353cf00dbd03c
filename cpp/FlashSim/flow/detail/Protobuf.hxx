// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_PROTOBUF
#define FLASHSIM_PROTOBUF

#include <cstdint>
#include <stdexcept>
#include <string_view>

namespace FlashSim {

/// One field of a protobuf message, in the wire format (https://protobuf.dev/programming-guides/encoding).
struct ProtobufField {
   enum EWireType { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

   std::uint32_t fNumber = 0;
   std::uint32_t fWireType = kVarint;
   std::uint64_t fInteger = 0; ///< value of a varint
   std::string_view fBytes;    ///< of a string, a message or packed numbers; the raw bytes of a fixed-width number

   bool IsBytes(std::uint32_t number) const { return fNumber == number && fWireType == kBytes; }
   bool IsVarint(std::uint32_t number) const { return fNumber == number && fWireType == kVarint; }
};

/// Walks through the fields of one protobuf message.
class ProtobufReader {
public:
   explicit ProtobufReader(std::string_view message) : fRest(message) {}

   bool IsAtEnd() const { return fRest.empty(); }

   /// Reads the next field; false at the end.
   /// \throws std::runtime_error if the bytes are no protobuf message
   bool Next(ProtobufField &field)
   {
      if (fRest.empty())
         return false;
      const auto tag = ReadVarint();
      field.fWireType = static_cast<std::uint32_t>(tag & 7);
      if (tag >> 3 == 0 || tag >> 32 != 0)
         throw std::runtime_error("it holds a field without a valid number");
      field.fNumber = static_cast<std::uint32_t>(tag >> 3);
      field.fInteger = 0;
      field.fBytes = {};
      switch (field.fWireType) {
      case ProtobufField::kVarint:
         field.fInteger = ReadVarint();
         break;
      case ProtobufField::kFixed64:
         field.fBytes = Take(8);
         break;
      case ProtobufField::kBytes:
         field.fBytes = Take(ReadVarint());
         break;
      case ProtobufField::kFixed32:
         field.fBytes = Take(4);
         break;
      default:
         throw std::runtime_error("it holds a field of an unknown kind");
      }
      return true;
   }

   /// Reads a bare varint, as packed numbers consist of.
   std::uint64_t ReadVarint()
   {
      std::uint64_t value = 0;
      for (unsigned int shift = 0; shift < 64; shift += 7) {
         const auto byte = static_cast<unsigned char>(Take(1)[0]);
         value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
         if (byte < 0x80)
            return value;
      }
      throw std::runtime_error("it holds a number of more than 64 bits");
   }

private:
   std::string_view Take(std::uint64_t size)
   {
      if (size > fRest.size())
         throw std::runtime_error("it ends in the middle of a field");
      const auto taken = fRest.substr(0, size);
      fRest.remove_prefix(size);
      return taken;
   }

   std::string_view fRest;
};

} // namespace FlashSim

#endif
