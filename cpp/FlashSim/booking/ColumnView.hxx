// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_COLUMNVIEW
#define FLASHSIM_COLUMNVIEW

#include <RtypesCore.h>

#include <cstddef>
#include <string_view>
#include <type_traits>
#include <utility>

namespace FlashSim {

/// A number that a column holds in one entry.
struct ScalarColumn {
   double fNumber;
   Long64_t fInteger; ///< set if the column holds integers

   template <typename T>
   static ScalarColumn Of(T number)
   {
      if constexpr (std::is_integral_v<T>)
         return {static_cast<double>(number), static_cast<Long64_t>(number)};
      else
         return {static_cast<double>(number), 0};
   }
};

/// \brief Content of a column in one entry: a number, or a collection of numbers that follow one another in memory.
///
/// Lets compiled code read columns whose types are known only at run time. The views alone are made by code that is
/// compiled just in time, with little optimisation.
class ColumnView {
public:
   /// A view of `column`, which must live as long. Types that hold no numbers give a view that is not numeric.
   template <typename T>
   explicit ColumnView(const T &column)
   {
      if constexpr (IsCollectionType<T>::value) {
         fIsCollection = true;
         fSize = column.size();
         fElements = column.data();
         fType = TypeOf<std::decay_t<decltype(*column.data())>>();
      } else {
         fType = TypeOf<T>();
         if constexpr (TypeOf<T>() != EType::kOther)
            fScalar = ScalarColumn::Of(column);
      }
   }

   /// Whether a column of this type holds one integer.
   template <typename T>
   static constexpr bool IsIntegerType()
   {
      return !IsCollectionType<T>::value && TypeOf<T>() > EType::kBool;
   }

   /// Whether a column of this type holds one number.
   template <typename T>
   static constexpr bool IsScalarType()
   {
      return !IsCollectionType<T>::value && TypeOf<T>() != EType::kOther;
   }

   bool IsNumeric() const { return fType != EType::kOther; }
   bool IsCollection() const { return fIsCollection; }
   bool IsInteger() const { return fType > EType::kBool && !fIsCollection; }

   /// Number of elements; 1 for a number.
   std::size_t GetSize() const { return fSize; }

   /// Unsigned integers of 64 bits are taken modulo 2^64. \pre IsInteger()
   Long64_t GetInteger() const { return fScalar.fInteger; }

   /// An element; for a number, the number itself. \pre IsNumeric()
   double GetNumber(std::size_t element) const { return fIsCollection ? GetElement(element) : fScalar.fNumber; }

private:
   /// Integers are last.
   enum class EType {
      kOther,
      kFloat,
      kDouble,
      kBool,
      kInt8,
      kInt16,
      kInt32,
      kInt64,
      kUInt8,
      kUInt16,
      kUInt32,
      kUInt64
   };

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
      case 1:
         return isSigned ? EType::kInt8 : EType::kUInt8;
      case 2:
         return isSigned ? EType::kInt16 : EType::kUInt16;
      case 4:
         return isSigned ? EType::kInt32 : EType::kUInt32;
      default:
         return isSigned ? EType::kInt64 : EType::kUInt64;
      }
   }

   double GetElement(std::size_t i) const
   {
      switch (fType) {
      case EType::kFloat:
         return At<float>(i);
      case EType::kDouble:
         return At<double>(i);
      case EType::kBool:
         return At<bool>(i);
      case EType::kInt8:
         return At<signed char>(i);
      case EType::kInt16:
         return At<short>(i);
      case EType::kInt32:
         return At<int>(i);
      case EType::kInt64:
         return At<Long64_t>(i);
      case EType::kUInt8:
         return At<unsigned char>(i);
      case EType::kUInt16:
         return At<unsigned short>(i);
      case EType::kUInt32:
         return At<unsigned int>(i);
      case EType::kUInt64:
         return At<ULong64_t>(i);
      case EType::kOther:
         break;
      }
      return 0;
   }

   template <typename T>
   double At(std::size_t i) const
   {
      return static_cast<double>(static_cast<const T *>(fElements)[i]);
   }

   ScalarColumn fScalar{0, 0};
   const void *fElements = nullptr;
   std::size_t fSize = 1;
   EType fType;
   bool fIsCollection = false;
};

} // namespace FlashSim

#endif
