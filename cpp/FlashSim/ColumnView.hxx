// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_COLUMNVIEW
#define FLASHSIM_COLUMNVIEW

#include <RtypesCore.h>

#include <cstddef>
#include <string_view>
#include <type_traits>
#include <utility>

namespace FlashSim {

/// \brief What a column holds in one entry: a number, or a collection of numbers that lie in memory one after the other.
///
/// Lets compiled code read columns whose types are known only when the program runs, so that nothing but the making of views has to be
/// compiled just in time (which is done with little optimisation).
class ColumnView {
public:
   /// A view of `column`, which must live as long. Types that hold no numbers give a view that is not numeric.
   template <typename T>
   explicit ColumnView(const T &column)
   {
      if constexpr (IsCollectionType<T>::value) {
         fData = column.data();
         fSize = column.size();
         fIsCollection = true;
         fType = TypeOf<std::decay_t<decltype(*column.data())>>();
      } else {
         fData = &column;
         fType = TypeOf<T>();
      }
   }

   bool IsNumeric() const { return fType != EType::kOther; }
   bool IsCollection() const { return fIsCollection; }
   bool IsInteger() const { return fType > EType::kBool && !fIsCollection; }

   /// Number of elements; 1 for a number.
   std::size_t GetSize() const { return fSize; }

   /// An element, converted; a number is all of its elements. \pre IsNumeric()
   template <typename Number>
   Number Get(std::size_t element = 0) const
   {
      const std::size_t i = fIsCollection ? element : 0;
      switch (fType) {
      case EType::kFloat: return At<Number, float>(i);
      case EType::kDouble: return At<Number, double>(i);
      case EType::kBool: return At<Number, bool>(i);
      case EType::kInt8: return At<Number, signed char>(i);
      case EType::kInt16: return At<Number, short>(i);
      case EType::kInt32: return At<Number, int>(i);
      case EType::kInt64: return At<Number, Long64_t>(i);
      case EType::kUInt8: return At<Number, unsigned char>(i);
      case EType::kUInt16: return At<Number, unsigned short>(i);
      case EType::kUInt32: return At<Number, unsigned int>(i);
      case EType::kUInt64: return At<Number, ULong64_t>(i);
      case EType::kOther: break;
      }
      return Number{};
   }

private:
   /// Integers are last.
   enum class EType { kOther, kFloat, kDouble, kBool, kInt8, kInt16, kInt32, kInt64, kUInt8, kUInt16, kUInt32, kUInt64 };

   template <typename T, typename = void>
   struct IsCollectionType : std::false_type {};
   template <typename T>
   struct IsCollectionType<
      T, std::void_t<decltype(*std::declval<const T &>().data()), decltype(std::declval<const T &>().size())>>
      : std::bool_constant<!std::is_convertible_v<const T &, std::string_view>> {};

   template <typename T>
   static constexpr EType TypeOf()
   {
      if constexpr (std::is_same_v<T, float>)
         return EType::kFloat;
      else if constexpr (std::is_same_v<T, double>)
         return EType::kDouble;
      else if constexpr (std::is_same_v<T, bool>)
         return EType::kBool;
      else if constexpr (std::is_integral_v<T>)
         return IntegerOf(sizeof(T), std::is_signed_v<T>);
      else
         return EType::kOther;
   }

   static constexpr EType IntegerOf(std::size_t size, bool isSigned)
   {
      switch (size) {
      case 1: return isSigned ? EType::kInt8 : EType::kUInt8;
      case 2: return isSigned ? EType::kInt16 : EType::kUInt16;
      case 4: return isSigned ? EType::kInt32 : EType::kUInt32;
      default: return isSigned ? EType::kInt64 : EType::kUInt64;
      }
   }

   template <typename Number, typename T>
   Number At(std::size_t i) const
   {
      return static_cast<Number>(static_cast<const T *>(fData)[i]);
   }

   const void *fData;
   std::size_t fSize = 1;
   EType fType;
   bool fIsCollection = false;
};

} // namespace FlashSim

#endif
